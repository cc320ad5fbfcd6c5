"""Widgets by region, and the few that regions share."""
