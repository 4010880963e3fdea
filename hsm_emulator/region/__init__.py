"""The receiving side: 18 simulated regions, each with its toolset, exchange key, Security World and vault HSM."""
