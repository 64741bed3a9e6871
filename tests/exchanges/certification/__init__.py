"""Every venue, every verb, every fault, over the wire of the paper venue: `make certify` prints the table of it."""
