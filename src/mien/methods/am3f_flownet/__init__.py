"""AM3F-FlowNet."""
