"""The photos: read them, look for bad and double ones, add copies, divide them."""
