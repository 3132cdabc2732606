"""What pydantic found wrong, in the words of the program's own errors."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from insula.core.sentences import describe_invalid_value


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid")

    epochs: float = Field(1, gt=0, le=100)
    seed: int = Field(0, ge=0)
    name: str = Field("a", min_length=1, max_length=3)
    kind: Literal["single", "multi"] = "single"
    steps: Literal["auto"] | tuple[str, ...] = "auto"
    inner: dict[str, int] = {}
    flag: bool = False
    labels: list[str] = Field(["a"], min_length=1)
    own: str = "a"
    pattern: str = Field("a", pattern="^a")

    @field_validator("own")
    @classmethod
    def _own(cls, value: str) -> str:
        if value != "a":
            raise ValueError("the value must be 'a'. Did you mean 'a'?")
        return value


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"epochs": 0}, "epochs must be above 0. Got 0"),
        ({"epochs": 101}, "epochs must be at most 100. Got 101"),
        ({"epochs": "many"}, "epochs must be a number. Got 'many'"),
        ({"seed": -1}, "seed must be at least 0. Got -1"),
        ({"seed": 1.5}, "seed must be a whole number. Got 1.5"),
        ({"name": 3}, "name must be a text. Got 3"),
        ({"name": ""}, "name must have at least 1 characters. Got ''"),
        ({"kind": "mult"}, "kind must be 'single' or 'multi'. Got 'mult'"),
        ({"steps": "a"}, "steps must be 'auto' or a list. Got 'a'"),
        ({"inner": 1}, "inner must be a table of names and values. Got 1"),
        ({"flag": "perhaps"}, "flag must be true or false. Got 'perhaps'"),
        ({"labels": []}, "labels must have at least 1 items. Got []"),
        ({"own": "b"}, "own: the value must be 'a'. Did you mean 'a'?"),
        ({"pattern": "b"}, "pattern must match pattern '^a'. Got 'b'"),
        ({"epoch": 1}, "'epoch' is not known"),
    ],
)
def test_a_rule_of_pydantic_is_said_plainly(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Options(**given)
    errors = caught.value.errors()
    assert describe_invalid_value(str(errors[0]["loc"][0]), *errors) == sentence


def test_a_long_value_is_cut_short() -> None:
    with pytest.raises(ValidationError) as caught:
        Options(epochs="a long message of somebody " * 20)  # type: ignore[arg-type]
    assert len(describe_invalid_value("epochs", *caught.value.errors())) < 110
