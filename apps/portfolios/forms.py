"""The form of a portfolio: its name, what is in it, and what it may risk together."""

from typing import Any

from django import forms

from apps.accounts.models import User
from apps.exchanges.selectors import connections_for
from apps.orders.forms import limit_field
from apps.portfolios.models import LIMIT_FIELDS, Portfolio
from apps.portfolios.services import BOUNDS


def _limit(name: str, label: str, *, unit: str = "", help_text: str = "") -> forms.Field:
    is_whole = name == "max_positions"
    return limit_field(label, bounds=BOUNDS[name], is_whole=is_whole, unit=unit, help_text=help_text, required=False)


class PortfolioForm(forms.Form):
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    name = forms.CharField(label="Name", max_length=64)
    connections = forms.TypedMultipleChoiceField(
        label="Connections", coerce=int, required=False, widget=forms.CheckboxSelectMultiple
    )
    max_positions = _limit("max_positions", "Open positions, at most")
    max_total_notional_ratio = _limit(
        "max_total_notional_ratio", "Value of all positions", unit="%", help_text="Of all equity"
    )
    max_symbol_notional_ratio = _limit(
        "max_symbol_notional_ratio", "One symbol and side", unit="%", help_text="On all exchanges, of all equity"
    )
    max_daily_loss_ratio = _limit(
        "max_daily_loss_ratio", "Loss of a day", unit="%", help_text="Then no entries until 00:00 UTC"
    )
    max_drawdown_ratio = _limit(
        "max_drawdown_ratio", "Equity below its peak", unit="%", help_text="Then an emergency stop of all of them"
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        members = self.fields["connections"]
        assert isinstance(members, forms.TypedMultipleChoiceField)
        members.choices = [
            (row.pk, f"{row.name} ({row.environment})") for row in connections_for(user).order_by("environment", "name")
        ]

    def limit_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in LIMIT_FIELDS]

    def changes(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("name", "connections", *LIMIT_FIELDS)}


def portfolio_initial(portfolio: Portfolio) -> dict[str, Any]:
    members = [row.pk for row in portfolio.connections.all()]
    return {name: getattr(portfolio, name) for name in ("version", "name", *LIMIT_FIELDS)} | {"connections": members}
