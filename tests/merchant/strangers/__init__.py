"""Merchants written from the list of obligations alone, by somebody who had not read the suite.

They share the ways to send (`wires`) and the words of the APIs (`tongues`); what makes a shop, the order in which it
reads, writes down, sends and tries again, is written for each of them (`correct`). Their faulty relatives (`faulty`)
break one obligation each.
"""
