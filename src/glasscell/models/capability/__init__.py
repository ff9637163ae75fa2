"""What models can do: small protocols that explanations ask for.

Every model is a ``Model``; the rest is optional. A published model is in evaluation mode, without gradients
on its weights, and none of its functions leaves a trace, random state included.
"""
