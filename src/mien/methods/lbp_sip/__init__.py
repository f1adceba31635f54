"""LBP-SIP: Wang, See, Phan & Oh, ACCV 2014."""
