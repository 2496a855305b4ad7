"""The stronger order wins, whatever the order of arrival."""

import asyncio
import itertools

import pytest

from scanner.engine import Order, Orders


@pytest.mark.parametrize("given", list(itertools.permutations(Order, 3)))
def test_the_strongest_wins(given):
    orders = Orders()
    for order in given:
        orders.give(order)
        orders.give(order)
    assert orders.order is max(given)


@pytest.mark.parametrize("order", list(Order))
async def test_only_urgent_orders_interrupt(order):
    orders = Orders()
    waiting = asyncio.ensure_future(orders.wait_urgent())
    orders.give(order)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert waiting.done() is order.urgent
    waiting.cancel()
    assert order.urgent is (order in {Order.SHUTDOWN, Order.CANCEL, Order.HALT})


def test_a_pause_can_be_withdrawn_and_given_again():
    orders = Orders()
    orders.give(Order.PAUSE)
    orders.withdraw_pause()
    assert orders.order is None
    assert orders.pause_withdrawn
    orders.give(Order.PAUSE)
    assert orders.order is Order.PAUSE
    assert not orders.pause_withdrawn


def test_nothing_but_a_pause_can_be_withdrawn():
    orders = Orders()
    orders.give(Order.CANCEL)
    orders.withdraw_pause()
    assert orders.order is Order.CANCEL
    assert not orders.pause_withdrawn
