"""`show_features`: makes what the last linear layer of an exported network reads an output of the network."""

from __future__ import annotations

import onnx_ir as ir

from insula.models.onnx.outputs import FEATURES

PRODUCTS = ("Gemm", "MatMul")


def show_features(model: ir.Model) -> bool:
    """Add the output `features` (rows, width), the pooled vector; return False for a network without one.

    The last product with a constant matrix before the logits is that of the head.
    """
    node = model.graph.outputs[0].producer()
    while node is not None:
        read = node.inputs[0]
        if read is None:
            return False
        if node.op_type in PRODUCTS and read.shape is not None and len(read.shape) == 2:
            break
        node = read.producer()
    else:
        return False
    width = read.shape[1]
    if not isinstance(width, int) or read.is_graph_output() or read.is_graph_input():
        return False
    read.name = FEATURES
    model.graph.outputs.append(read)
    return True
