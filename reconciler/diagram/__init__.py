"""The picture of a topology: what is on it (`picture.py`, made by `declared.py` and `looked.py`),
where it is (`order.py`, `layout.py`), and one writer per format.
"""
