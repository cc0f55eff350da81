"""Reading text: folding, decoded views, and the two regular-expression engines."""
