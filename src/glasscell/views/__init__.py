"""Pictures, colours, forms and searches that need no window: every front end draws from these."""
