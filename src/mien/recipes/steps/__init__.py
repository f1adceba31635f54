"""The steps that recipes are made of, grouped by what they work on."""
