"""Collection, training and bootstrapping of proposals."""
