"""The paper venue: a real server on loopback that speaks each exchange's own protocol. Knows no Django."""
