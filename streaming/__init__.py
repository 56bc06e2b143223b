"""The live wire: a websocket follows an answer while it is written."""
