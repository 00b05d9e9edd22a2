"""The silent connection beside the terminal; each file rung_x.py is one rung of its ladder."""
