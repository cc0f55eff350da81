"""The bytes of media: where they lie, and the addresses that lead to them."""
