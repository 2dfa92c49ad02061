"""The training: recipes, views of pictures, the loop, one process or several."""
