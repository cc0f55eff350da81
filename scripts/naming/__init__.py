"""Modules of `train_names.py`: the people, the texts and the trainer."""
