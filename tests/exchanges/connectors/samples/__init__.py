"""One good row of every kind a venue tells, with its reader: what the fuzz tests spoil field by field.

A venue's module has `ROWS`, by the kind's name, and `NESTED`, the fields whose parts are refused by their own names;
`ABSENT_IS_NO`, where there are such, the flags a row may leave out.
"""

from collections.abc import Callable
from typing import Any

Parser = Callable[[Any], Callable[[dict[str, Any]], Any]]
Rows = dict[str, tuple[Parser, dict[str, Any]]]
