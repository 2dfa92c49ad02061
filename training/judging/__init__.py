"""The judging: answers and what they say of a model, alone or against another."""
