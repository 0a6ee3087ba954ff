"""Sigstore's signatures: made, and checked offline from given keys and roots."""
