"""AST+SVMNet (Xue et al., IEEE Access 2024)."""
