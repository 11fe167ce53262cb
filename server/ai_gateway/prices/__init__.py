"""What calls cost: list prices of the services whose prices are known, read from data that is shipped."""

from ai_gateway.prices.price_list import PriceList, price_list

__all__ = ["PriceList", "price_list"]
