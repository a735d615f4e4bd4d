"""The learned proposal: what the planner found, collected, to train a model on."""
