"""What a conditional order was placed as, where its terms alone don't tell."""

import msgspec


class Plan(msgspec.Struct, kw_only=True):
    """`way` is sl or tp of a "conditional"."""

    kind: str
    way: str = ""
