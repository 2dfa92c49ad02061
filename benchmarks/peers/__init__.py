"""The usual model servers, each with our artifact, engine and preprocessing, in an environment of its own."""
