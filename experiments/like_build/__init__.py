"""Impostors of like build against all impostors."""
