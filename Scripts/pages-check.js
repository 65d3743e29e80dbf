// Evaluated in a page by Scripts/pages: what a reader could not use, one finding a line.
(function () {
  "use strict";
  var findings = [];
  var note = function (text) { if (findings.indexOf(text) < 0) { findings.push(text); } };
  var all = function (what, within) {
    return Array.prototype.slice.call((within || document).querySelectorAll(what));
  };

  if (document.documentElement.scrollWidth > window.innerWidth) {
    note("overflow: the page is " + document.documentElement.scrollWidth + " px wide, the window "
      + window.innerWidth);
    all("body *").forEach(function (element) {
      var box = element.getBoundingClientRect();
      if (box.right > window.innerWidth + 1 && !element.closest(".scroll, pre, svg")) {
        note("overflow: " + element.tagName + "." + element.className + " to " + box.right);
      }
    });
  }
  performance.getEntriesByType("resource").forEach(function (entry) {
    note("request: " + entry.name);
  });

  // Colours as red, green, blue, alpha.
  var colour = function (text) {
    var parts = (text.match(/[-.0-9e]+/g) || []).map(Number);
    if (!/^rgb/.test(text) || parts.length < 3) { return null; }
    return [parts[0], parts[1], parts[2], parts.length > 3 ? parts[3] : 1];
  };
  var over = function (top, below) {
    return [0, 1, 2].map(function (k) { return top[k] * top[3] + below[k] * (1 - top[3]); })
      .concat(1);
  };
  var luminance = function (rgb) {
    var linear = rgb.slice(0, 3).map(function (value) {
      var share = value / 255;
      return share <= 0.04045 ? share / 12.92 : Math.pow((share + 0.055) / 1.055, 2.4);
    });
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  var contrast = function (a, b) {
    var x = luminance(a), y = luminance(b);
    return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
  };
  var opacity = function (element) {
    var share = 1;
    for (var e = element; e && e.nodeType === 1; e = e.parentNode) {
      share *= Number(getComputedStyle(e).opacity);
    }
    return share;
  };
  var faded = function (paint, element, extra) {
    return [paint[0], paint[1], paint[2], paint[3] * opacity(element) * (extra || 1)];
  };
  // What lies behind an HTML element: its own and its ancestors' backgrounds.
  var behind = function (element) {
    var layers = [];
    for (var e = element; e && e.nodeType === 1; e = e.parentNode) {
      var paint = colour(getComputedStyle(e).backgroundColor);
      if (paint && paint[3] > 0) { layers.push(paint); }
    }
    return layers.reverse().reduce(function (below, top) { return over(top, below); },
      [255, 255, 255, 1]);
  };
  // What lies behind a text of a drawing: shapes drawn before it, at its middle.
  var drawnBehind = function (text, box) {
    var style = getComputedStyle(text);
    var halo = colour(style.stroke);
    if (halo && style.paintOrder.indexOf("stroke") === 0) { return halo; }
    var svg = text.ownerSVGElement;
    var below = behind(svg);
    var shapes = document.elementsFromPoint(
      box.left + box.width / 2, box.top + box.height / 2).filter(function (shape) {
      return svg.contains(shape) && /^(rect|path|circle|polygon)$/.test(shape.tagName)
        && shape.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING;
    });
    shapes.reverse().forEach(function (shape) {
      var paint = colour(getComputedStyle(shape).fill);
      if (paint) {
        below = over(faded(paint, shape, Number(getComputedStyle(shape).fillOpacity)), below);
      }
    });
    return below;
  };
  var judge = function (element, text, ink, paper) {
    var ratio = contrast(over(ink, paper), paper);
    if (ratio < 4.5) {
      note("contrast: " + ratio.toFixed(2) + " of '" + text.trim().slice(0, 40) + "' in "
        + element.tagName + "." + (element.getAttribute("class") || ""));
    }
  };
  var walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    var node = walker.currentNode, element = node.parentNode;
    if (!node.textContent.trim() || /^(script|style|title)$/i.test(element.tagName)) { continue; }
    if (element.ownerSVGElement || !element.checkVisibility()) { continue; }
    judge(element, node.textContent, faded(colour(getComputedStyle(element).color), element),
      behind(element));
    if (parseFloat(getComputedStyle(element).fontSize) < 11) {
      note("small: '" + node.textContent.trim().slice(0, 40) + "'");
    }
  }
  all("svg").forEach(function (svg) {
    var frame = svg.getBoundingClientRect();
    if (!frame.width) { return; }
    var scale = frame.width / svg.viewBox.baseVal.width;
    var texts = all("text", svg).map(function (text) {
      return { text: text, box: text.getBoundingClientRect() };
    });
    texts.forEach(function (entry, place) {
      var text = entry.text, box = entry.box, style = getComputedStyle(text);
      judge(text, text.textContent, faded(colour(style.fill), text), drawnBehind(text, box));
      if (parseFloat(style.fontSize) * scale < 9) {
        note("small: '" + text.textContent + "', " + (parseFloat(style.fontSize) * scale).toFixed(1)
          + " px");
      }
      if (box.left < frame.left - 3 || box.right > frame.right + 3
        || box.bottom > frame.bottom + 3 || box.top < frame.top - 3) {
        note("clipped: '" + text.textContent + "'");
      }
      texts.slice(place + 1).forEach(function (other) {
        var across = Math.min(box.right, other.box.right) - Math.max(box.left, other.box.left);
        var down = Math.min(box.bottom, other.box.bottom) - Math.max(box.top, other.box.top);
        if (across > 1 && down > 4) {
          note("overlap: '" + text.textContent + "' and '" + other.text.textContent + "'");
        }
      });
    });
  });
  return findings.join("\n");
}());
