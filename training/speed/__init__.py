"""Faster models: pruning, distillation, what each variant costs on this machine, TensorRT engines."""
