"""The way to a server: artifacts, ONNX, int8."""
