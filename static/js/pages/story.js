// The story as a page of its own: written by the server, times and money made local here.
import { bindTimes } from "../times.js";
import "./plain.js";

bindTimes();
