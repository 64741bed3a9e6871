"""What the connection pages ask for. Which fields there are follows from the venue; the rules are the services'."""

from typing import Any

from django import forms

from apps.exchanges.connection_rules import leverage_limit
from apps.exchanges.connectors.registry import EXCHANGES, markets_of
from apps.exchanges.connectors.spec import Capability, ExchangeSpec
from apps.exchanges.models import MARGIN_MODES, MARKETS, POSITION_MODES, Connection, SymbolMode
from cts.domain.types import Environment, Market, PositionMode

SECRET_LABELS = {"api_key": "API key", "api_secret": "API secret", "passphrase": "Passphrase"}
ENVIRONMENT_LABELS = {
    Environment.PAPER: "Paper: simulated exchange, no key needed",
    Environment.TESTNET: "Testnet: the exchange's test network",
    Environment.LIVE: "Live: real money",
}
PAPER_KEY_HELP = "Leave the key fields empty to open a new paper account; a key you have is used as it is"

# Another venue has other fields: the form is drawn again with what was typed. Keys must not get into an address.
_REDRAW = {
    "hx-get": "",
    "hx-include": "closest form",
    "hx-params": "not api_key,api_secret,passphrase,csrfmiddlewaretoken",
    "hx-target": "#connection-form",
    "hx-select": "#connection-form",
    "hx-swap": "outerHTML",
    # Of two choices made quickly, the form of the later must be the one that stays.
    "hx-select-oob": "#venue-help",
    "hx-sync": "#connection-form:replace",
}


class SymbolsField(forms.CharField):
    """A comma-separated list in, canonical symbols out. BTC and BTC/USDT are understood."""

    market = Market.LINEAR

    def clean(self, value: Any) -> list[str]:
        names = super().clean(value).replace(";", ",").replace(" ", ",").upper().split(",")
        return [_canonical(name, self.market) for name in names if name]


class TradingFields(forms.Form):
    """How a connection trades; the same on adding and on editing."""

    margin_mode = forms.ChoiceField(label="Margin", choices=MARGIN_MODES)
    position_mode = forms.ChoiceField(label="Position mode", choices=POSITION_MODES)
    leverage = forms.IntegerField(label="Leverage", min_value=1, help_text="The highest is never a good default")
    volume_factor_live = forms.DecimalField(
        label="Volume factor",
        min_value=0.1,
        max_value=10,
        decimal_places=1,
        help_text="Scales every position: 0.1 to 10",
        widget=forms.NumberInput(attrs={"step": "0.1"}),
    )
    symbol_mode = forms.ChoiceField(label="Symbols", choices=SymbolMode.choices)
    top_count = forms.IntegerField(
        label="How many of the top", min_value=1, max_value=100, help_text="Used by the two top modes"
    )
    symbols = SymbolsField(
        label="Chosen list", required=False, help_text="Separated by commas, for example BTC, ETH, SOL"
    )
    forced_symbols = SymbolsField(label="Always in", required=False, help_text="Traded whatever the mode selects")

    def shape(self, *, spec: ExchangeSpec, connection: Connection, market: str) -> None:
        """Offer what this venue has, and no more."""
        highest = leverage_limit(connection, spec=spec)
        self.fields["leverage"].widget.attrs["max"] = highest
        self.fields["leverage"].help_text = f"Up to {highest}; some symbols allow less"
        if not spec.can(Capability.HEDGE):
            self._choices(
                "position_mode", [(mode, label) for mode, label in POSITION_MODES if mode != PositionMode.HEDGE]
            )
        for name in ("symbols", "forced_symbols"):
            field = self.fields[name]
            assert isinstance(field, SymbolsField)
            field.market = Market(market)
        for field in self.fields.values():
            field.widget.attrs.setdefault("autocomplete", "off")

    def _choices(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def trading_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in TradingFields.base_fields]

    def secret_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in SECRET_LABELS if name in self.fields]


class ConnectionAddForm(TradingFields):
    """A new connection on the venue `spec`; which venue is chosen on the form itself."""

    name = forms.CharField(label="Name", max_length=64, help_text="Yours to choose, for example Main account")
    exchange = forms.ChoiceField(label="Exchange")
    environment = forms.ChoiceField(label="Environment")
    market = forms.ChoiceField(label="Market")

    def __init__(self, *args: Any, spec: ExchangeSpec, environment: str, market: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._choices("exchange", [(name, venue.label) for name, venue in EXCHANGES.items()])
        self._choices("environment", [(each, ENVIRONMENT_LABELS[each]) for each in spec.market_environments])
        self._choices("market", [(value, label) for value, label in MARKETS if value in markets_of(spec.name)])
        for name in ("exchange", "environment", "market"):
            self.fields[name].widget.attrs |= _REDRAW
        _secrets_add(self, spec, is_required=environment != Environment.PAPER)
        if environment == Environment.PAPER:
            self.fields["api_key"].help_text = PAPER_KEY_HELP
        self.shape(spec=spec, connection=Connection(), market=market)

    def venue_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in ("name", "exchange", "environment", "market")]


class ConnectionEditForm(TradingFields):
    """What may change later. Keys left empty stay as they are."""

    name = forms.CharField(label="Name", max_length=64)
    is_enabled = forms.BooleanField(label="Enabled: may be used at all", required=False)
    is_active = forms.BooleanField(label="Active: shown and watched on the dashboard", required=False)

    def __init__(self, *args: Any, spec: ExchangeSpec, connection: Connection, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _secrets_add(self, spec, is_required=False)
        self.fields["api_key"].help_text = f"Now one that ends in {connection.key_hint}; leave empty to keep it"
        self.shape(spec=spec, connection=connection, market=connection.market)

    def changes(self) -> dict[str, Any]:
        """The cleaned fields, without keys that were left empty."""
        return {name: value for name, value in self.cleaned_data.items() if value or name not in SECRET_LABELS}


def connection_initial(connection: Connection) -> dict[str, Any]:
    """Field values of an existing connection, symbols as people write them."""
    names = (*TradingFields.base_fields, "name", "is_enabled", "is_active")
    values = {name: getattr(connection, name) for name in names}
    return values | {name: symbols_text(values[name]) for name in ("symbols", "forced_symbols")}


def symbols_text(symbols: list[str]) -> str:
    """As `SymbolsField` reads them: the quote is left out where it is the usual one."""
    return ", ".join(symbol.split(":")[0].removesuffix("/USDT") for symbol in symbols)


def _canonical(name: str, market: Market) -> str:
    pair = name.split(":")[0] if "/" in name else f"{name}/USDT"
    return f"{pair}:USDT" if market == Market.LINEAR else pair


def _secrets_add(form: forms.Form, spec: ExchangeSpec, *, is_required: bool) -> None:
    for name in spec.credential_fields:
        form.fields[name] = forms.CharField(
            label=spec.credential_labels.get(name, SECRET_LABELS[name]),
            required=is_required,
            max_length=512,
            widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        )
