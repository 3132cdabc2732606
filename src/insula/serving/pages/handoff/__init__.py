"""The page of the hand-off queue: views of cases."""
