"""Deletion people can trust: a plan, carried out exactly, recorded first and checked afterwards."""
