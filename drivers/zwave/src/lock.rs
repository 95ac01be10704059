//! Lock commands turned into the fewest command classes that prove them.
