"""Tiny datasets and networks with known answers, fake views, and checks for models made by others."""
