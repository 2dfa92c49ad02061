"""The app: a posted class photo is classified, recorded and answered."""
