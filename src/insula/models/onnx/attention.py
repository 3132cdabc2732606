"""Removes the transposes around attention from an exported graph.

torch passes (rows, heads, tokens, width) arrays to attention, which costs a copy of query, key, value and output. The
ONNX operator (opset 23) also takes (rows, tokens, heads * width) arrays and splits the heads itself.
"""

from __future__ import annotations

import onnx_ir as ir
from onnx_ir.passes.common import RemoveUnusedNodesPass

SPLIT_HEADS = (0, 2, 1, 3)  # (rows, tokens, heads, width) to (rows, heads, tokens, width), and back


def join_heads(model: ir.Model) -> int:
    """Rewrite every `Attention` node with a split of heads before it and a join after it; return their number."""
    found = sum(_join(node) for node in list(model.graph) if node.op_type == "Attention")
    RemoveUnusedNodesPass()(model)
    return found


def _join(attention: ir.Node) -> bool:
    sources = [_find_before_split(value) for value in attention.inputs[:3]]
    after = _find_after_join(attention.outputs[0])
    if after is None or any(found is None for found in sources):
        return False
    query, key, _ = (found for found in sources if found is not None)
    for name, (_, heads) in (("q_num_heads", query), ("kv_num_heads", key)):
        attention.attributes[name] = ir.AttrInt64(name, heads)
    for place, found in enumerate(sources):
        if found is not None:
            attention.replace_input_with(place, found[0])
    ir.convenience.replace_all_uses_with(after, attention.outputs[0])
    attention.outputs[0].shape = after.shape
    return True


def _find_before_split(value: ir.Value | None) -> tuple[ir.Value, int] | None:
    """Return the (rows, tokens, heads * width) source of `value` and its number of heads, or None."""
    transpose = None if value is None else value.producer()
    if not _is_head_swap(transpose) or (first := transpose.inputs[0]) is None:  # type: ignore[union-attr]
        return None
    reshape = first.producer()
    if reshape is None or reshape.op_type != "Reshape" or (whole := reshape.inputs[0]) is None:
        return None
    if first.shape is None or whole.shape is None or len(whole.shape) != 3 or len(first.shape) != 4:
        return None
    heads, width = first.shape[2], first.shape[3]
    return (whole, heads) if isinstance(heads, int) and isinstance(width, int) else None


def _find_after_join(value: ir.Value) -> ir.Value | None:
    """Return the (rows, tokens, heads * width) value computed from `value`, or None if it has other uses."""
    transpose = _find_only_reader(value)
    reshape = _find_only_reader(transpose.outputs[0]) if transpose is not None and _is_head_swap(transpose) else None
    if reshape is None or reshape.op_type != "Reshape":
        return None
    shape = reshape.outputs[0].shape
    return reshape.outputs[0] if shape is not None and len(shape) == 3 else None


def _find_only_reader(value: ir.Value) -> ir.Node | None:
    readers = [use.node for use in value.uses()]
    return readers[0] if len(readers) == 1 and not value.is_graph_output() else None


def _is_head_swap(node: ir.Node | None) -> bool:
    return node is not None and node.op_type == "Transpose" and tuple(node.attributes["perm"].as_ints()) == SPLIT_HEADS
