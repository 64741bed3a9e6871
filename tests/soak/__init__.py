"""A long run of the whole product under load: nobody is turned away, and nothing grows."""
