"""Servers of the dataset API without code of sutro, as another team could have written them."""
