"""What sign-in and registration ask for. The rules are the services'."""

from typing import Any

from django import forms

from cts.domain.errors import DomainError


class SignInForm(forms.Form):
    username = forms.CharField(
        label="Name", max_length=150, widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True})
    )
    password = forms.CharField(
        label="Password",
        max_length=1024,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class RegisterForm(forms.Form):
    username = forms.CharField(
        label="Name", max_length=150, widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True})
    )
    email = forms.EmailField(label="E-mail", required=False, widget=forms.EmailInput(attrs={"autocomplete": "email"}))
    password = forms.CharField(
        label="Password",
        max_length=1024,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 10 characters, not a common one, not only digits",
    )
    password_again = forms.CharField(
        label="Password again",
        max_length=1024,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "password_again" in cleaned and cleaned.get("password") != cleaned["password_again"]:
            self.add_error("password_again", "The two passwords differ")
        return cleaned


def form_refused(form: forms.Form, refused: DomainError) -> None:
    """Told beside the field at fault, where the form has it."""
    form.add_error(refused.field if refused.field in form.fields else None, refused.detail)
