"""Our classic reference: a support vector machine on the flattened motion map."""
