"""The photo that every start posts, to see whether it is answered: its record is no client's."""

SAMPLE_ID = "样例-sample"
