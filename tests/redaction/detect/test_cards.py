import pytest

from .finding import found, of_type


@pytest.mark.parametrize(
    "card",
    [
        "4222222222222",
        "4111 1111 1111 1111",
        "5555-5555-5555-4444",
        "2223003122003222",
        "2720992593319364",
        "378282246310005",
        "3782-822463-10005",
        "30569309025904",
        "6011000990139424",
        "3530111333300000",
        "213100000000001",
        "180000000000002",
        "6200000000000005",
        "6304000000000000",
        "6759649826438453",
        "501800000009",
        "2200000000000004",
        "9792000000000003",
    ],
)
def test_cards_of_every_scheme_are_found(card):
    assert of_type("CREDIT_CARD", f"It is {card}, thanks.") == [card]


@pytest.mark.parametrize("text", ["card4111111111111111", "visa4111111111111111.", "creditcardno4111111111111111"])
def test_a_card_glued_to_its_name_is_found(text):
    assert of_type("CREDIT_CARD", text) == ["4111111111111111"]


@pytest.mark.parametrize(
    "text",
    ["credit card 060426070011 transactions", "my card: 135412345678911", "Kreditkarte 1220 0000 0000 003"],
)
def test_a_number_called_a_card_needs_only_its_check_digit(text):
    assert [kind for kind, _ in found(text)] == ["CREDIT_CARD"]


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112",
        "sku4111111111111111x1",
        "1234-5678-9012-3456",
        "order 060426070011",
        "1763838475123456789 1763838475123 1763838475123456",
        "id 6666997663382c8f40fafcb1165e130958f23435, next",
        "c717b6aa-0407-2215-6186-e9db8a1c3899",
        "0000 0000 0000 0000",
        "IMEI 356938035643809",
    ],
)
def test_other_long_numbers_are_no_cards(text):
    assert of_type("CREDIT_CARD", text) == []
