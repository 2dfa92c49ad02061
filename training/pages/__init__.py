"""What the pages are made of: templates, plots, contact sheets, thumbnails."""
