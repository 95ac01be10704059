//! What a lock is, whatever its radio: slots, bolt, keypad, battery, jam.
