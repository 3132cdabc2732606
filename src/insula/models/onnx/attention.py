"""Attention over states as they lie in memory: an exported graph without the copies that separate the heads.

torch gives attention (rows, heads, tokens, width) arrays, which costs a copy of each query, key, value and answer. The
operator itself (ONNX, opset 23) also takes (rows, tokens, heads * width), and then separates the heads as it computes.
"""

from __future__ import annotations

import onnx_ir as ir
from onnx_ir.passes.common import RemoveUnusedNodesPass

SPLIT_HEADS = (0, 2, 1, 3)  # (rows, tokens, heads, width) to (rows, heads, tokens, width), and back


def join_heads(model: ir.Model) -> int:
    """Rewrite every `Attention` whose heads are separated just before and joined just after; return how many."""
    found = sum(_joined(node) for node in list(model.graph) if node.op_type == "Attention")
    RemoveUnusedNodesPass()(model)
    return found


def _joined(attention: ir.Node) -> bool:
    given = [_before(value) for value in attention.inputs[:3]]
    after = _after(attention.outputs[0])
    if after is None or any(found is None for found in given):
        return False
    query, key, _ = (found for found in given if found is not None)
    for name, (_, heads) in (("q_num_heads", query), ("kv_num_heads", key)):
        attention.attributes[name] = ir.AttrInt64(name, heads)
    for place, found in enumerate(given):
        if found is not None:
            attention.replace_input_with(place, found[0])
    ir.convenience.replace_all_uses_with(after, attention.outputs[0])
    attention.outputs[0].shape = after.shape
    return True


def _before(value: ir.Value | None) -> tuple[ir.Value, int] | None:
    """Return the (rows, tokens, heads * width) value that `value` was made of, and how many heads it has."""
    turned = None if value is None else value.producer()
    if not _turns(turned) or (first := turned.inputs[0]) is None:  # type: ignore[union-attr]
        return None
    parted = first.producer()
    if parted is None or parted.op_type != "Reshape" or (whole := parted.inputs[0]) is None:
        return None
    if first.shape is None or whole.shape is None or len(whole.shape) != 3 or len(first.shape) != 4:
        return None
    heads, width = first.shape[2], first.shape[3]
    return (whole, heads) if isinstance(heads, int) and isinstance(width, int) else None


def _after(value: ir.Value) -> ir.Value | None:
    """Return the (rows, tokens, heads * width) value that alone is made of `value`."""
    turned = _only_reader(value)
    joined = _only_reader(turned.outputs[0]) if turned is not None and _turns(turned) else None
    if joined is None or joined.op_type != "Reshape":
        return None
    shape = joined.outputs[0].shape
    return joined.outputs[0] if shape is not None and len(shape) == 3 else None


def _only_reader(value: ir.Value) -> ir.Node | None:
    readers = [use.node for use in value.uses()]
    return readers[0] if len(readers) == 1 and not value.is_graph_output() else None


def _turns(node: ir.Node | None) -> bool:
    return node is not None and node.op_type == "Transpose" and tuple(node.attributes["perm"].as_ints()) == SPLIT_HEADS
