"""OrangeX spot as data. https://openapi-docs.orangex.com"""

import msgspec

from apps.exchanges.connectors.orangex.spec import SPEC
from apps.exchanges.connectors.spec import Capability
from cts.domain.types import Market

SPOT_SPEC = msgspec.structs.replace(
    SPEC,
    market=Market.SPOT,
    # Of conditions the documentation speaks for contracts only.
    capabilities=frozenset(
        {
            Capability.POST_ONLY,
            Capability.IMMEDIATE_OR_CANCEL,
            Capability.FILL_OR_KILL,
            Capability.KEY_RIGHTS,
            Capability.PRIVATE_STREAM,
            Capability.BALANCE_STREAM,
        }
    ),
    venue_suffix="-USDT-SPOT",
    suffix="/USDT",
    max_leverage=1,
)
