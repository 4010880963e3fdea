"""What people sign, word for word, and the signatures of simulated people. The verifier restates it all."""
