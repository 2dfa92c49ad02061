"""Those who ask the API: their keys."""
