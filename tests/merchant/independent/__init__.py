"""Merchants written from the list of obligations alone, by somebody who had not read the suite.

They share the ways to send a request (`transports`) and the clients of the APIs (`api_clients`). When each of them
reads, stores, sends and tries again is its own (`patterns`, `event_driven`, `async_merchant`). Their faulty variants
(`faulty_clients`, `faulty_logic`) break one obligation each.
"""
